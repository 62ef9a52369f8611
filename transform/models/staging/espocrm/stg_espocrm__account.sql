{{ staged('espocrm', 'account') }}
