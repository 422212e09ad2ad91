package store

import (
	"reflect"

	"github.com/shopspring/decimal"
)

const (
	wordBytes = 16 // approximate size of a string, a pointer or a number
	pairBytes = 64 // approximate size of a map entry
)

// sizeOf estimates the memory of a row's values, in bytes.
func sizeOf(values []any) int {
	size := 0
	for _, value := range values {
		size += wordBytes
		switch v := value.(type) {
		case *string:
			size += len(*v)
		case **string:
			size += length(*v)
		case *[]string:
			for _, text := range *v {
				size += wordBytes + len(text)
			}
		case *[]*string:
			for _, text := range *v {
				size += wordBytes + length(text)
			}
		case *map[string]string:
			for name, text := range *v {
				size += pairBytes + len(name) + len(text)
			}
		case *map[string]decimal.Decimal:
			size += pairBytes * len(*v)
		default:
			if list := reflect.ValueOf(value).Elem(); list.Kind() == reflect.Slice {
				size += wordBytes * list.Len()
			}
		}
	}
	return size
}

func length(text *string) int {
	if text == nil {
		return 0
	}
	return len(*text)
}
