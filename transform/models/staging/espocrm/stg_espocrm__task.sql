{{ staged('espocrm', 'task') }}
