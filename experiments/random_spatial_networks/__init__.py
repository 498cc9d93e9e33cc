"""Random spatial networks: small worlds without clustering, waves, and hop-and-spread epidemics."""
