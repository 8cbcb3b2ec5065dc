"""Ways to run Charter: a demonstration, Airflow on this machine, containers."""
