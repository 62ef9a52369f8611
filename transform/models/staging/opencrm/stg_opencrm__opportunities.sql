{{ staged('opencrm', 'opportunities') }}
