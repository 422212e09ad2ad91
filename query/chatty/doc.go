// Package chatty implements Chatty's GraphQL API for customers, with its types and names
// (schema/graphql/chatty.graphql), over the tables that package query reads.
//
// A customer is a visitor of a project. shopId is the project, shopifyCustomerId the
// external id. Channels are mapped to Chatty's five: CHAT, CALL, VIDEO and
// MOBILE_APP are the ONLINE_STORE, both of Facebook are FACEBOOK, and those that
// Chatty does not have are left out; without any it is the ONLINE_STORE. totalSpent
// is one number: with orders in several currencies it is the sum in the currency
// that most orders are in, the first by its code where several are.
package chatty
