{{ staged('opencrm', 'assets') }}
