{{ unmodelled() }}
