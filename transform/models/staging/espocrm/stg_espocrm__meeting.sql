{{ staged('espocrm', 'meeting') }}
