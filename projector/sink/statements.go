package sink

import (
	_ "embed" // the statements
	"strings"
)

//go:embed insert.sql
var insertSQL string

//go:embed position.sql
var positionSQL string

//go:embed origin.sql
var originSQL string

//go:embed recall.sql
var recallSQL string

//go:embed large.sql
var largeSQL string

//go:embed piece.sql
var pieceSQL string

//go:embed pieces.sql
var piecesSQL string

//go:embed messages_by_id.sql
var messagesByIDSQL string

//go:embed messages_by_position.sql
var messagesByPositionSQL string

//go:embed known.sql
var knownSQL string

//go:embed keys_count.sql
var keysCountSQL string

//go:embed keys.sql
var keysSQL string

//go:embed aside.sql
var asideSQL string

//go:embed unwritable.sql
var unwritableSQL string

//go:embed archived.sql
var archivedSQL string

//go:embed held.sql
var heldSQL string

//go:embed customers_shares.sql
var customersSharesSQL string

//go:embed customers_profiles.sql
var customersProfilesSQL string

//go:embed customers_places.sql
var customersPlacesSQL string

//go:embed customers_touched.sql
var customersTouchedSQL string

//go:embed stray_rows.sql
var strayRowsSQL string

//go:embed stray_rows_delete.sql
var strayRowsDeleteSQL string

//go:embed stray_customers_delete.sql
var strayCustomersDeleteSQL string

//go:embed withdrawn_events_delete.sql
var withdrawnEventsDeleteSQL string

//go:embed withdrawn_events_by_time_delete.sql
var withdrawnEventsByTimeDeleteSQL string

//go:embed withdrawn_keys_delete.sql
var withdrawnKeysDeleteSQL string

//go:embed column_types.sql
var columnTypesSQL string

// in inserts this sink's projection into a statement.
func (s *Sink) in(statement string) string {
	return strings.ReplaceAll(statement, "$projection", s.database)
}
