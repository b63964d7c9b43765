"""The stage (a local AWS) and the rehearsal of releases on it. Development only: nothing here is deployed."""
