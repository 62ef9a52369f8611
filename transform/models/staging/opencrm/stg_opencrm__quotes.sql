{{ staged('opencrm', 'quotes') }}
