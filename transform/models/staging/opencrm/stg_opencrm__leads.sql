{{ staged('opencrm', 'leads') }}
