{{ staged('opencrm', 'companies') }}
