{{ staged('espocrm', 'opportunity') }}
