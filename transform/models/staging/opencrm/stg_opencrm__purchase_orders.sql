{{ staged('opencrm', 'purchase_orders') }}
