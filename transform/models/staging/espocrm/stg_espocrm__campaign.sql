{{ staged('espocrm', 'campaign') }}
