CHECK GRANT $privilege
