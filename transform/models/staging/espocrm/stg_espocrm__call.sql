{{ staged('espocrm', 'call') }}
