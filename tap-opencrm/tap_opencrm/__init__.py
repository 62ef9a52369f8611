"""Singer tap for OpenCRM."""
