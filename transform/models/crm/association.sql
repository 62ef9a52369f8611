{{ linked() }}
