{{ staged('opencrm', 'products') }}
