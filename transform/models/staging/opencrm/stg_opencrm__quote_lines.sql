{{ staged('opencrm', 'quote_lines') }}
