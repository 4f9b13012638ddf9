"""Steps that bring a relational database to the tables of this version, in order; run when a store is opened."""
