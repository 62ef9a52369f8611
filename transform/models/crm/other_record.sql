select {{ declared_columns() }} from ({{ unmodelled() }})
