"""What runs inside the application's own process: standard library, Werkzeug and Flask only."""
