{{ staged('opencrm', 'projects') }}
