{{ staged('opencrm', 'sales_order_lines') }}
