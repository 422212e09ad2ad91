package transport

// DefaultPrices are the prices of Parley's schema: fields that read more rows
// than they answer with, and lists that are longer than most. A name that the
// schema does not have costs nothing.
func DefaultPrices() Prices {
	// Counting reads every row that matches; a page reads its own.
	const count = 200
	return Prices{
		"ClosedConversationConnection.totalCount": {Points: count},
		"ConversationConnection.totalCount":       {Points: count},
		"ContactConnection.totalCount":            {Points: count},
		"CustomerConnection.totalCount":           {Points: count},
		"TransactionConnection.totalCount":        {Points: count},
		"Query.users":                             {Points: count}, // found among all conversations
		"UserConnection.totalCount":               {Points: count},
		"Query.metrics":                           {Points: 1000},
		"Metrics.buckets":                         {Items: 100},
		"Query.restatements":                      {Points: 4000},
		"Restatements.figures":                    {Items: 100},
		"Query.concurrency":                       {Points: 1000},
		"Concurrency.buckets":                     {Items: 100},
		"Query.transfers":                         {Points: 1000, Items: 100},
		"Query.explain":                           {Points: 100},
	}
}
