"""What people have beside their password, as everybody may know it: the tables, and who has set up what."""
