{{ staged('opencrm', 'contracts') }}
