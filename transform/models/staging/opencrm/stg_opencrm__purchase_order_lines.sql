{{ staged('opencrm', 'purchase_order_lines') }}
