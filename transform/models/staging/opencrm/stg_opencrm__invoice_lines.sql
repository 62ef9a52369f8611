{{ staged('opencrm', 'invoice_lines') }}
