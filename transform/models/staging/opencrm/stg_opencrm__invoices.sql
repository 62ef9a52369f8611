{{ staged('opencrm', 'invoices') }}
