"""Forward authentication for reverse proxies."""
