{{ staged('espocrm', 'contact') }}
