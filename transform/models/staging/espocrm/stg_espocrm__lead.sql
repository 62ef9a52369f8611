{{ staged('espocrm', 'lead') }}
