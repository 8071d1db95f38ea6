"""Other providers, as their documentation describes them: reached in this process, or over a real socket."""
