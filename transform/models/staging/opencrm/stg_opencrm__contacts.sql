{{ staged('opencrm', 'contacts') }}
