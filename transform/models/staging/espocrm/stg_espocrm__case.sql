{{ staged('espocrm', 'case') }}
