{{ staged('espocrm', 'note') }}
