select {{ declared_columns() }} from ({{ linked() }})
