"""Present and potential value: four boxes, and a check of the potential on a later year."""
