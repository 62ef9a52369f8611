{{ staged('espocrm', 'email') }}
