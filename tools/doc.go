// Package tools pins the linters, apart from the product's own modules.
package tools
