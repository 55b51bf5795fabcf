// Package aggregate turns diagnosed requests into what people and stores read:
// a row for each failed request (Failure) and a summary of them all (Summary).
// Its children count (rollup) and find incidents (incident).
package aggregate
