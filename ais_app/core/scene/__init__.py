"""What a picture in three dimensions holds, without drawing it: surfaces, picks, camera, movies, scripts."""
