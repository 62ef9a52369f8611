{{ staged('opencrm', 'tickets') }}
