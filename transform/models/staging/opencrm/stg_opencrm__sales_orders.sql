{{ staged('opencrm', 'sales_orders') }}
