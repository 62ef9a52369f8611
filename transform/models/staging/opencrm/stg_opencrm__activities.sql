{{ staged('opencrm', 'activities') }}
