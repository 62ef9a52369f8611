{{ staged('espocrm', 'user') }}
