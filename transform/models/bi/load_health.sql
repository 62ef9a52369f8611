{{ load_health() }}
