{{ staged('opencrm', 'users') }}
