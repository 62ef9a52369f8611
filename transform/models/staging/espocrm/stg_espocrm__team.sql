{{ staged('espocrm', 'team') }}
